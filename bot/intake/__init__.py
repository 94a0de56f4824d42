"""The candidacy intake: collects what a clinician must know, holds it for them, and decides nothing (S3)."""
