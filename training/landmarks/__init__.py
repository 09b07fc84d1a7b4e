"""What is fitted to landmarks: 68 points from the mesh, FER-2013's template, a classifier."""
