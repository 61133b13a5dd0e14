import { fileURLToPath } from 'node:url'
import { type GrpcClient, grpcClient } from '../../../shared/grpc/grpc-client.ts'
import type { Clock } from '../../../shared/time/clock.ts'
import type { CriCalls } from './cri-messages.ts'

const PROTO = fileURLToPath(new URL('./cri.proto', import.meta.url))

/** The Container Runtime Interface: the calls, and `GetContainerEvents` as a stream where the runtime has one. */
export type CriClient = Pick<GrpcClient<CriCalls>, 'call' | 'stream'>

/** Talks to the runtime behind an endpoint such as `unix:///run/containerd/containerd.sock`; nothing is sent before the first call. */
export function criClient(endpoint: string, clock: Clock): CriClient {
  return grpcClient<CriCalls>(endpoint, PROTO, clock)
}
