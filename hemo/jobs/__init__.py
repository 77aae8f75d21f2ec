"""Independent pieces of work, run in this process or on Ray: training jobs, and archives read in chunks.

A job is a description; whichever pool runs it calls the same `hemo.jobs.job.perform`. Ray is optional.
"""
