"""Room for the file descriptors of a load test, in this process and in all that it starts."""

import resource


def make_room(wanted: int) -> None:
    """Raise the soft limit of open files to `wanted`; the servers started afterwards inherit it.

    Raises:
        RuntimeError: The hard limit is below that; the message says what to do.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise RuntimeError(
            f"This load wants {wanted} open files in one process and the hard limit is {hard}: raise it"
            f" (`ulimit -Hn {wanted}` as root, or --ulimit nofile={wanted} for a container), or lower --scale."
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
