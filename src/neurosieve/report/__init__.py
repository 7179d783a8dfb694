"""Tables and the page that says what was found."""
