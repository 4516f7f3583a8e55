# One image for the gateway, the simulated venues and the EMS of the command line: see
# docker-compose.yml for how each is started. The version of Python is the one that constraints.txt
# is tested with.

FROM python:3.11-slim-bookworm AS build
WORKDIR /build
RUN python -m venv /opt/sor
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
# What the gateway needs comes first: a layer that stays while only our own code changes.
COPY pyproject.toml constraints.txt ./
RUN python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' \
      > requirements.txt \
 && /opt/sor/bin/python -m pip install --quiet -c constraints.txt -r requirements.txt
COPY README.md LICENSE ./
COPY sor_gateway sor_gateway
COPY venue_sims venue_sims
# pip has done its work then: what runs needs no installer.
RUN /opt/sor/bin/python -m pip install --quiet --no-deps . \
 && /opt/sor/bin/python -m pip uninstall --quiet --yes pip setuptools

FROM python:3.11-slim-bookworm
# A number, so that whoever runs the image can tell that it is not root. The journal's folder
# belongs to it: a fresh named volume takes over the owner.
RUN groupadd --gid 10001 sor \
 && useradd --uid 10001 --gid sor --home-dir /var/lib/sor --no-create-home --shell /usr/sbin/nologin sor \
 && install -d -o sor -g sor /var/lib/sor
COPY --from=build /opt/sor /opt/sor
COPY config /srv/sor/config
ENV PATH=/opt/sor/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    SOR__GATEWAY__JOURNAL=/var/lib/sor/journal \
    SOR__GATEWAY__DATABASE=/var/lib/sor/gateway.db
WORKDIR /srv/sor
USER 10001:10001
VOLUME /var/lib/sor
EXPOSE 9880 9890
# Whether it lives, not whether it is ready: a venue that is down is no reason to restart the gateway.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-m", "sor_gateway.ops.probe", "http://127.0.0.1:9890/healthz"]
STOPSIGNAL SIGTERM
CMD ["sor-gateway", "run", "--config", "config"]
