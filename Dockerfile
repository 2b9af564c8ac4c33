# Reports in a container: docker build -t kpi-kit . && docker run -v "$PWD/mine:/work" kpi-kit run --data data --params params
FROM python:3.12-slim
COPY requirements.lock /kit/
RUN python -m pip install --no-cache-dir --require-hashes -r /kit/requirements.lock
COPY . /kit/
RUN python -m pip install --no-cache-dir --no-deps /kit && rm -rf /kit
RUN useradd --create-home kpi && install -d -o kpi /work
USER kpi
WORKDIR /work
ENTRYPOINT ["kpi-kit"]
CMD ["--help"]
