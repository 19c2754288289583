"""Public result files to an observation table, one module a format.

path --read--> Found (measurements as the file has them) --selected--> rows of a table --import_results--> table
"""
