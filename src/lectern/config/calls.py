"""What a worker takes on, and how remote parts are called: time, retries, breakers, lines."""

from pydantic import Field

from lectern.config.part import Seconds, SettingsPart


class CallSettings(SettingsPart):
    """Time limits, retries, circuit breakers and bulkheads."""

    max_turns: int = Field(
        1250,
        ge=1,
        le=100_000,
        description="Questions and searches under way at once in one worker, whatever its speed; the next is refused. "
        "It bounds memory, 0.1 to 0.2 MB each: any worker must be able to hold 1,000 waiting streams",
    )
    rerank_timeout_seconds: Seconds = Field(
        3, description="Time to rank what was found; after it the order of the index stands"
    )
    connect_timeout_seconds: Seconds = Field(5, description="Time to connect to a provider")
    first_token_timeout_seconds: Seconds = Field(20, description="Time to a provider's first token")
    token_timeout_seconds: Seconds = Field(10, description="Longest silence between two tokens")
    answer_timeout_seconds: Seconds = Field(120, description="Longest time for one whole answer")
    request_timeout_seconds: float = Field(
        150,
        ge=10,
        le=3600,
        description="All of a request, in seconds; 5 s of it are kept for saving, every hop gets what the others left",
    )
    retries: int = Field(
        1,
        ge=0,
        le=5,
        description="Further tries of a failed remote call, before its first token, within a budget of 20 %",
    )
    breaker_window_seconds: Seconds = Field(30, description="How far back a circuit breaker looks")
    breaker_min_calls: int = Field(
        8, ge=1, le=10_000, description="Calls in that window before a rate means anything; a quiet site has few"
    )
    breaker_failure_rate: float = Field(
        0.5, gt=0, le=1, description="Part of the calls in the window, up to 1, that must fail for a breaker to open"
    )
    breaker_failures: int = Field(
        5, ge=1, le=1000, description="Failures in a row that open a breaker, however few calls there are"
    )
    breaker_slow_seconds: Seconds = Field(
        15, description="A first token later than this is slow; a breaker opens when 80 % of the calls are slow or fail"
    )
    breaker_open_seconds: Seconds = Field(
        1, description="How long a breaker that opens turns calls away; each further time twice as long"
    )
    breaker_max_open_seconds: Seconds = Field(
        8, description="The longest of these times: a part that is back is used again within 10 s"
    )
    llm_concurrency: int = Field(
        1000,
        ge=1,
        le=10_000,
        description="Answers at once in one worker; any worker must be able to take the whole load",
    )
    call_concurrency: int = Field(
        64,
        ge=1,
        le=10_000,
        description="Calls at once of each other remote part, in one worker; they take milliseconds",
    )
    queue_length: int = Field(
        200, ge=0, le=100_000, description="Calls that wait for a place at one part, in one worker; the next is refused"
    )
    queue_seconds: Seconds = Field(5, description="How long one of them waits at most")
    study_concurrency: int = Field(
        16,
        ge=1,
        le=10_000,
        description="Calls for chapters at once in one worker; they have these places to themselves, and never one of"
        " LLM_CONCURRENCY, so that readers of chapters do not hold up those who ask",
    )
    study_queue_length: int = Field(
        1000,
        ge=0,
        le=100_000,
        description="Calls for chapters that wait for such a place, in one worker, as long as their request may last;"
        " twenty long chapters at once make some hundred",
    )
