"""The story of the CRM: many changes, few calls, and one bad record that harms nobody else."""
