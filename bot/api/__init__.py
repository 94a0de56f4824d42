"""What other systems of a clinic may ask of the desk."""
