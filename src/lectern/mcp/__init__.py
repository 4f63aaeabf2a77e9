"""Search, answers and tasks for other people's agents, by the Model Context Protocol; there when its SDK is.

`endpoints` lets a caller in as any other route does; `service` has the SDK's server in this worker, from the first
request on; `server` says what there is and what a call answers; `site_tools` and `task_tools` are the tools. Only what
`service` imports late imports the SDK: it takes 0.6 s and 26 MB, which a service that no agent asks never pays.
"""
