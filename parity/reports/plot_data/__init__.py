"""What is to be seen in results, as numbers: computed once, whatever draws it."""
