"""Where and how: layers and labels of the selected neurons."""
