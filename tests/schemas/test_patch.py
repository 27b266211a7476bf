import contextlib
import copy

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import FoldError
from schemas.patch import apply_patch

scalars = st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab/~", max_size=3)
keys = st.sampled_from(["a", "b", "a/b", "m~n", "", "0"])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=8
)


@given(values, values)
def test_a_patch_made_by_the_library_applies_as_the_library_applies_it(before, after):
    patch = jsonpatch.make_patch(before, after).patch
    assert apply_patch(before, patch) == jsonpatch.apply_patch(before, patch)


@given(
    values, st.sampled_from(["add", "remove", "replace", "test", "copy", "move"]), st.lists(keys, max_size=2), values
)
def test_a_patch_never_changes_the_value_it_was_given(before, op, path, value):
    original = copy.deepcopy(before)
    pointer = "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in path)
    with contextlib.suppress(FoldError):
        apply_patch(before, [{"op": op, "path": pointer, "from": "/a", "value": value}])
    assert before == original


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/missing"},
        {"op": "replace", "path": "/missing", "value": 1},
        {"op": "add", "path": "/list/9", "value": 1},
        {"op": "add", "path": "/list/01", "value": 1},
        {"op": "add", "path": "/list/-1", "value": 1},
        {"op": "add", "path": "/list/\u0660", "value": 1},
        {"op": "add", "path": "no-slash", "value": 1},
        {"op": "test", "path": "/list/0", "value": True},
        {"op": "move", "from": "/list", "path": "/list/0"},
        {"op": "jump", "path": "/list"},
        {"path": "/list"},
        {"op": "add", "path": 5, "value": 1},
        {"op": "copy", "path": "/list/0", "from": None},
    ],
)
def test_an_operation_that_does_not_apply_is_an_error(operation):
    with pytest.raises(FoldError, match="does not apply"):
        apply_patch({"list": [1]}, [operation])


def test_a_dash_appends():
    assert apply_patch({"list": [1]}, [{"op": "add", "path": "/list/-", "value": 2}]) == {"list": [1, 2]}
