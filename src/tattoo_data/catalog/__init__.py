"""The catalogue: the dataset, the scenarios and the reset states that ship with the package.

It reads package files and what a user names, and knows nothing of stores.
"""

from tattoo_data.catalog.dataset_files import Context, Dataset, load
from tattoo_data.catalog.lookup import find_scenarios, find_state, resolve, scenario_names, states, tried_scenarios
from tattoo_data.catalog.promises import broken_promises, search_answers
from tattoo_data.catalog.scenario import Promise, Scenario, Search, State, scenarios
from tattoo_data.catalog.selection import Selection, union

__all__ = [
    "Context",
    "Dataset",
    "Promise",
    "Scenario",
    "Search",
    "Selection",
    "State",
    "broken_promises",
    "find_scenarios",
    "find_state",
    "load",
    "resolve",
    "scenario_names",
    "scenarios",
    "search_answers",
    "states",
    "tried_scenarios",
    "union",
]
