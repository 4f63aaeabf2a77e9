# The image of a Space and of any other container host: Lectern, its packages and a first index of its pages.
# Stage one makes them; stage two holds nothing that made them. Docker, podman and buildah all build it.

FROM python:3.11-slim AS build

# strip, which only this stage has.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends binutils \
    && rm -rf /var/lib/apt/lists/*

# pip stays outside: the image serves, it installs nothing.
RUN python -m venv --without-pip /opt/venv
COPY requirements.txt requirements-mcp.txt /tmp/
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/venv/bin/python install --disable-pip-version-check --no-input --no-compile \
        --require-hashes --requirement /tmp/requirements.txt --requirement /tmp/requirements-mcp.txt

# Serving reads no tests, no build tools, no type stubs, no C sources and no debug symbols. (Libraries that came with a
# wheel, in *.libs, are left alone: strip breaks some that were patched.) The packages never change from here on, so
# Python need not ask whether their byte code is still true.
RUN find /opt/venv -type d \( -name tests -o -name testing -o -name f2py -o -name distutils \) -prune -exec rm -rf {} + \
    && find /opt/venv -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.[ach]' \) -delete \
    && find /opt/venv -type f -name '*.so' -not -path '*.libs/*' -exec strip --strip-unneeded {} + \
    && /opt/venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv/lib

WORKDIR /app
ENV PATH=/opt/venv/bin:$PATH LECTERN_NO_VENV=1
COPY . .

# A Space hands its variables to the build; these decide what the index says of the site.
ARG SITE_NAME
ARG SITE_URL
# Pages of content/, or else Lectern's own docs. No vectors: they want a key or a download, and come after the start.
# Whoever edits a source in the running container (a Space's Dev Mode) is heard: its byte code is checked.
RUN EMBEDDING_MODEL=none DATA_DIR=/tmp/data ./entrypoint.sh prepare index \
    && mv /tmp/data/index index \
    && python -m compileall -q -j 0 --invalidation-mode checked-hash src migrations main.py gunicorn.conf.py

FROM python:3.11-slim

# uid 1000 is what a Space runs; a base that has it already keeps its name for it. A volume mounted at /home/user/data
# takes its owner from the folder here.
RUN (getent passwd 1000 || useradd --no-create-home --home-dir /home/user --uid 1000 user) \
    && install -d -o 1000 -g 1000 /home/user /home/user/data /app
COPY --from=build /opt/venv /opt/venv
COPY --from=build --chown=1000:1000 /app /app

WORKDIR /app
# The entrypoint chooses DATA_DIR among what can be written: a mounted /data, $HOME/data, /tmp/lectern.
ENV PORT=7860 \
    HOME=/home/user \
    PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    IMAGE_INDEX_DIR=/app/index \
    LECTERN_NO_VENV=1
USER 1000
EXPOSE 7860
# Without a proxy's variables, which urllib would obey even here.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-IS", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('PORT') or 7860), timeout=4); c.request('GET', '/health'); sys.exit(c.getresponse().status != 200)"]
# The script ends in exec, so signals reach gunicorn, which is process 1.
ENTRYPOINT ["./entrypoint.sh"]
CMD ["serve"]
