"""What a patient was counselled on, and that the patient has read it."""
