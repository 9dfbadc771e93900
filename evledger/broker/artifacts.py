"""Apache Kafka's programs, resolved by Maven into a folder of jars."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from evledger.broker.errors import BrokerError

KAFKA_VERSION = "4.1.1"
LOG4J_VERSION = "2.24.3"  # log4j is not among Kafka's published dependencies
JAVA_MAJOR_MIN = 17
LOG4J_ARTIFACTS = ("log4j-api", "log4j-core", "log4j-slf4j-impl", "log4j-1.2-api")
DEPENDENCIES = (
    ("org.apache.kafka", "kafka_2.13", KAFKA_VERSION),
    *(("org.apache.logging.log4j", artifact, LOG4J_VERSION) for artifact in LOG4J_ARTIFACTS),
)
# 43 MB from a far mirror; a second resolution comes from Maven's own cache.
RESOLVE_TIMEOUT_S = 600


def resolve_jars(cache: Path) -> Path:
    """The folder of the jars under `cache`, resolved by Maven if it is not there; whole or absent.

    Raises:
        BrokerError: no Java 17, no Maven, or the artifacts cannot be had.
    """
    _check_java()
    jars = cache.absolute() / f"lib-{KAFKA_VERSION}"
    if not jars.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        _resolve(jars)
    return jars


def _resolve(jars: Path) -> None:
    with tempfile.TemporaryDirectory(dir=jars.parent, prefix="resolving-") as name:
        temporary = Path(name)
        (temporary / "pom.xml").write_text(pom())
        _run_maven(temporary)
        try:
            (temporary / "lib").rename(jars)
        except OSError as error:
            if not jars.is_dir():  # else another process was first: its jars are as good
                raise BrokerError(f"cannot make {jars}: {error.strerror}") from error


def _run_maven(folder: Path) -> None:
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=lib"]
    done = run(["mvn", "-B", "-q", *goal], folder, RESOLVE_TIMEOUT_S)
    if done.returncode != 0:
        told = re.findall(r"\[ERROR\] (.+)", done.stdout + done.stderr) or ["no message"]
        raise BrokerError(f"Maven could not resolve Apache Kafka {KAFKA_VERSION}: {told[0]}")


def pom() -> str:
    """A project of nothing but dependencies."""
    dependencies = "".join(map(_dependency, DEPENDENCIES))
    return (
        "<project><modelVersion>4.0.0</modelVersion><groupId>evledger</groupId><artifactId>broker</artifactId>"
        f"<version>1</version><packaging>pom</packaging><dependencies>{dependencies}</dependencies></project>\n"
    )


def _dependency(coordinates: tuple[str, str, str]) -> str:
    group, artifact, version = coordinates
    return (
        f"<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>"
        f"<version>{version}</version></dependency>"
    )


def _check_java() -> None:
    done = run(["java", "-version"], Path("/"), 60)
    found = re.search(r'version "(\d+)', done.stderr)
    if found is None or int(found[1]) < JAVA_MAJOR_MIN:
        said = (done.stderr.splitlines() or ["nothing"])[0]
        raise BrokerError(f"Java {JAVA_MAJOR_MIN} or later is needed, `java -version` says: {said}")


def run(command: Sequence[str], folder: Path, timeout_s: int) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end; a missing one or one that hangs is a BrokerError."""
    program = shutil.which(command[0])
    if program is None:
        raise BrokerError(f"the program {command[0]} is not installed: a local broker needs Java and Maven")
    try:
        return subprocess.run(  # noqa: S603
            [program, *command[1:]],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=timeout_s,
        )
    except subprocess.TimeoutExpired as error:
        raise BrokerError(f"{command[0]} did not end within {timeout_s} s") from error
