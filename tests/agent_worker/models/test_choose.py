import subprocess
import sys

import pytest

from schemas.errors import Invalid
from services.agent_worker.models.choose import Settings, choose
from services.agent_worker.models.openai_chat import OpenAIChat
from services.agent_worker.models.openai_responses import OpenAIResponses
from services.agent_worker.models.scripted import Scripted
from services.runtime import read_settings


def chosen(**environment):
    return choose(read_settings(Settings, environment))


@pytest.mark.parametrize(
    ("environment", "kind", "name", "chooses_tools"),
    [
        ({}, OpenAIChat, "smollm2-135m-instruct", False),
        ({"MODEL": "scripted", "OPENAI_API_KEY": "k"}, Scripted, "scripted", True),
        ({"OPENAI_API_KEY": "k"}, OpenAIResponses, "gpt-5.4-mini", True),
        ({"OPENAI_API_KEY": "k", "MODEL": "m"}, OpenAIResponses, "m", True),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:1/v1", "MODEL": "m", "OPENAI_API": "chat"}, OpenAIChat, "m", True),
        ({"OPENAI_API_KEY": "k", "ANABRANCH_MODEL_TOOLS": "false"}, OpenAIResponses, "gpt-5.4-mini", False),
    ],
)
def test_the_environment_chooses_the_model(environment, kind, name, chooses_tools):
    model = chosen(**environment)
    assert (type(model), model.name, model.chooses_tools) == (kind, name, chooses_tools)


@pytest.mark.parametrize(
    ("environment", "variable"),
    [
        ({"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}, "MODEL"),
        ({"OPENAI_API_KEY": "k", "OPENAI_API": "soap"}, "OPENAI_API"),
        ({"MODEL": "scripted", "ANABRANCH_SCRIPTED_TOKENS_PER_S": "-1"}, "ANABRANCH_SCRIPTED_TOKENS_PER_S"),
    ],
)
def test_a_wrong_setting_names_its_variable(environment, variable):
    with pytest.raises(Invalid, match=variable):
        chosen(**environment)


def test_a_rehearsed_worker_does_not_load_the_sdk_of_a_model_it_does_not_ask():
    program = """
import sys
import services.agent_worker.__main__
from services.agent_worker.models.choose import Settings, choose
choose(Settings(model="scripted"))
print("openai" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
