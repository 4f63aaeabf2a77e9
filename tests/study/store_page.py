"""A small page with a bit of everything, for tests of rewriting."""

from tests.study.urdu import in_urdu

from lectern.study.segments import CutText

PAGE = """---
title: Stores
---

# The store

A store holds the whole state of an application, and nothing else does.

It is made by `configureStore` with a [root reducer](/reducers) of all slices.

```js
const store = configureStore({ reducer })
```

## Reading the state

Call `getState` to read what the store holds at this very moment.

- The first way to read it is a selector.
- The second way to read it is a hook.
"""


def expected(page: CutText) -> str:
    """The page with every segment in Urdu."""
    return page.whole({segment.number: in_urdu(segment.text) for segment in page.segments})
