# syntax=docker/dockerfile:1
# docker build -t rollwatch .

FROM node:24.21.0-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# No package needs its install script here: better-sqlite3 contains its binaries, and Node is installed.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json vite.config.ts ./
COPY src ./src
RUN npm run page && npm run build
RUN npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24.21.0-bookworm-slim
LABEL org.opencontainers.image.title="Rollwatch" \
      org.opencontainers.image.description="Watches an OpenStack cloud during a rolling upgrade and reports, with error bars, when and for how long its users were affected" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production
WORKDIR /opt/rollwatch
COPY package.json ./
COPY plans ./plans
COPY ansible ./ansible
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/public ./public
COPY --from=build /build/dist ./dist
RUN install -d -o node -g node /var/lib/rollwatch
USER node
WORKDIR /var/lib/rollwatch
VOLUME /var/lib/rollwatch
EXPOSE 9774
HEALTHCHECK --interval=10s --timeout=5s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9774/healthz').then((a) => process.exit(a.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/opt/rollwatch/dist/main.js"]
CMD ["watch", "--listen", "0.0.0.0:9774"]
