"""`eval`: measure retrieval on labelled questions."""

import argparse
import json
import os
from pathlib import Path

from lectern.cli.verbs import Verbs, console
from lectern.config import Settings
from lectern.evaluation.evaluate import evaluate
from lectern.evaluation.questions import load_questions
from lectern.evaluation.report import as_json, figures_table, misses_list
from lectern.wiring import build_embeddings, build_index


def add_to(verbs: Verbs) -> None:
    """Add the verb and its arguments."""
    add = verbs.add_parser("eval", help="measure retrieval on labelled questions")
    add.add_argument("questions", type=Path, help="a JSONL file: {id, question, kind, answers: [{path, heading}]}")
    add.add_argument("--site", help="search in this site only")
    add.add_argument("--json", action="store_true", help="print one JSON object")
    add.add_argument("--misses", action="store_true", help="list the questions whose sections were not found")
    add.set_defaults(command=_eval)


async def _eval(arguments: argparse.Namespace, settings: Settings) -> int:
    evaluation = await evaluate(
        load_questions(arguments.questions),
        build_index(settings),
        build_embeddings(settings),
        min_confidence=settings.min_confidence,
        site=arguments.site,
    )
    if arguments.json:
        print(json.dumps(as_json(evaluation), indent=2, ensure_ascii=False))
        return os.EX_OK
    console.print(figures_table(evaluation))
    if arguments.misses:
        console.print(misses_list(evaluation), soft_wrap=True)
    return os.EX_OK
