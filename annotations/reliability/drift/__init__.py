"""What changed between waves without anybody deciding it: use, meaning, coders, model, texts."""
