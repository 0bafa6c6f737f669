"""What the page is written with: markup, numbers in words, the summary, the style."""
