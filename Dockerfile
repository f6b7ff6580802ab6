# The one binary `ensimbi` in a small image: `docker compose up --build` uses it for every role and the simulators.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --package ensimbi && cp target/release/ensimbi /usr/local/bin/ensimbi

FROM debian:bookworm-slim
# TLS to the providers checks against the system's certificates.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/ensimbi --create-home ensimbi
COPY --from=build /usr/local/bin/ensimbi /usr/local/bin/ensimbi
USER ensimbi
# Data that the default `--data` keeps (configuration, simulators' books) is under .ensimbi here.
WORKDIR /var/lib/ensimbi
VOLUME /var/lib/ensimbi
EXPOSE 8080
ENTRYPOINT ["ensimbi"]
CMD ["--help"]
