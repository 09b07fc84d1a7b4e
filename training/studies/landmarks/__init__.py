"""How landmark accuracy bears on expression recognition: `mien study landmarks`."""
