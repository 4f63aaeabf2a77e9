"""What every index knows about words: how text is cut, stemmed and corrected, and what a question asks for."""
