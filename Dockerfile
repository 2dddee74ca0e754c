# The commands in a container: docker build -t tattoo-data . && docker run --rm tattoo-data --help
FROM python:3.11-slim-bookworm AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE requirements.lock ./
COPY src src
# Without the embedded stack: in a container it could be reached by nobody.
RUN python -m venv /opt/tattoo-data \
    && /opt/tattoo-data/bin/pip install --no-cache-dir --disable-pip-version-check -c requirements.lock '.[web]' \
    && /opt/tattoo-data/bin/pip uninstall --yes --quiet setuptools pip

FROM python:3.11-slim-bookworm
# Not root. Any other user may be given with --user: both folders are open to all.
RUN useradd --uid 1000 --create-home tattoo \
    && install --directory --mode 1777 /data /var/lib/tattoo-data
COPY --from=build /opt/tattoo-data /opt/tattoo-data
COPY package.json /opt/tattoo-data/share/package.json
COPY --chmod=755 docker/entrypoint docker/npm /usr/local/bin/
ENV PATH=/opt/tattoo-data/bin:$PATH \
    TATTOO_DATA_HOME=/var/lib/tattoo-data
USER tattoo
WORKDIR /data
HEALTHCHECK --interval=60s --timeout=30s --start-period=60s CMD tattoo-data doctor --quiet || exit 1
ENTRYPOINT ["entrypoint"]
CMD ["--help"]
