"""An independent reading of the rules of the books; nothing here knows how the product works."""
