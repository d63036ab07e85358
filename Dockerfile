FROM python:3.13-slim
WORKDIR /hmhn_jax
COPY . .
RUN pip install --no-cache-dir --constraint constraints/3.13.txt --editable .
VOLUME /root /hmhn_jax/runs
ENTRYPOINT ["python", "run.py"]
