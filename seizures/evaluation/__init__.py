"""How good are the predictions, and how sure is that?"""
