import { RuntimeError } from '../../kubelet/runtime/container-runtime.ts'
import type { Behaviour } from '../../kubelet/runtime/simulated-behaviour.ts'
import { createSimulatedRuntime } from '../../kubelet/runtime/simulated-runtime.ts'
import { realClock } from '../../shared/time/clock.ts'
import { commands, containerRuntimeContract } from './container-runtime.ts'
import { criUnderTest } from './cri-under-test.ts'
import { dockerUnderTest } from './docker-under-test.ts'

containerRuntimeContract('docker', dockerUnderTest)
containerRuntimeContract('containerd', () => criUnderTest())

containerRuntimeContract('simulated', async () => {
  const clock = realClock()
  const image = 'busybox'
  const shell: NonNullable<Behaviour['exec']> = (command, input) => {
    const text = command.join(' ')
    if (command[0] === 'cat') return { exitCode: 0, stdout: input }
    if (text.includes('seq 1 20000')) return { exitCode: 0, stdout: Array.from({ length: 20_000 }, (_, i) => `${i + 1}\n`).join('') }
    if (text.includes('sleep')) return { exitCode: 0, never: true }
    return { exitCode: 3, stdout: 'out\n', stderr: 'err\n' }
  }
  const behaviours = new Map<string, Behaviour>([
    [commands.forever.join(), { output: 'ready\n', exec: shell }],
    [commands.ignoresTerm.join(), { output: 'ready\n', ignoresTerm: true }],
    [commands.failsAtOnce.join(), { output: 'one\ntwo\n', runsFor: 10, exitCode: 7 }],
    [commands.succeedsAtOnce.join(), { runsFor: 10 }],
    [commands.missing.join(), { startError: 'exec: "no-such-command": executable file not found in $PATH' }],
    [commands.echoesInput.join(), { echoesInput: true }],
  ])
  const runtime = createSimulatedRuntime({
    clock,
    script: (config) => behaviours.get(config.command?.join() ?? '') ?? {},
    pull: (reference) => (reference === image ? 0 : new RuntimeError('ErrImagePull', `${reference}: not found`)),
  })
  await runtime.pullImage(image, undefined, new AbortController().signal)
  return { runtime, clock, image, dispose: async () => {} }
})
