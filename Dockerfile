FROM python:3.11-slim-trixie
WORKDIR /app
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md ./
COPY ledger ledger
COPY projections projections
COPY consumers consumers
COPY evledger evledger
RUN pip install --no-cache-dir --no-deps --no-build-isolation . \
 && useradd --system --create-home evledger
USER evledger
WORKDIR /home/evledger
ENTRYPOINT ["evledger"]
