"""Tests of single lessons, one file for each, named by its slug; a package, so that a name may be used elsewhere too."""
