"""One consumer: what it reads first, what it refuses to read, and what it waits for."""

import threading
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from kafka import TopicPartition
from kafka.admin import RecordsToDelete  # noqa: F401
