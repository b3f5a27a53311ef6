"""REFI-QDA: the format in which tools for qualitative research exchange their projects."""
