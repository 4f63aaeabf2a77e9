"""`make soak`: does the service, under steady load and steady trouble, keep its memory, descriptors and threads?"""
