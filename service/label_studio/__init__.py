"""What is said to Label Studio: values in, values out, nothing stored here."""
