"""The dashboard that template.yaml describes, read and drawn: what an operator will find where."""
