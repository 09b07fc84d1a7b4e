"""From a cut face to what it resembles: classifier, card, quality, explanation."""
