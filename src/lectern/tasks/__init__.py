"""A reader's tasks: as REST resources, and by an assistant that acts with tools."""
