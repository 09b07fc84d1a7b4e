"""Files as people have them: odd names, tables of paths, results that appear whole."""
