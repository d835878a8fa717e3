import type { AbortOptions, ByteRange, FileIO, FolderEntry, ObjectStatus, ReadOptions, WriteOptions } from '../io/file-io.js'
import { FloeError } from '../util/errors.js'
import { contentHash, type EventLog } from './event-log.js'
import type { Fault, FaultKind, FaultPlan } from './fault.js'
import type { Scheduler } from './scheduler.js'

/** A request as faults and orders see it. */
export interface Request {
  readonly operation: 'read' | 'write' | 'head' | 'list' | 'delete'
  readonly location: string
  readonly isConditional?: boolean
}

export interface FaultyFileIOOptions {
  /** Whose requests these are. */
  readonly actor: string
  readonly scheduler: Scheduler
  readonly faults: FaultPlan
  readonly log: EventLog
  /** Moves the actor's clock. */
  readonly moveClock?: (ms: number) => void
  /** Whether bytes read from there are verified by whoever reads them. Default: nowhere. */
  readonly isVerified?: (location: string) => boolean
  /** Whether others can tell when the request happens; all else happens at once, uncounted. Default: always. */
  readonly isVisible?: (request: Request) => boolean
  /** Which requests are the ones that commit: faults may be aimed at them. Default: none. */
  readonly isCommit?: (request: Request) => boolean
  /** Whether an answer may arrive later than its effect. Default true. */
  readonly delaysAnswers?: boolean
  /** A listing of the past. */
  readonly listAsOf?: (prefix: string, ageMs: number) => AsyncIterable<ObjectStatus>
  /** Called with every fault that strikes. */
  readonly onFault?: (fault: Fault) => void
}

/**
 * The requests of one actor: each reaches the store when the scheduler says so, and goes wrong as the plan says. Wraps any
 * FileIO; damage of bytes and lists apart, it keeps the contract of the port, under which all this may happen.
 */
export class FaultyFileIO implements FileIO {
  readonly #io: FileIO
  readonly #options: FaultyFileIOOptions
  #calls = 0
  #commits = 0
  #overloaded = 0
  #staleList: Fault | undefined

  constructor(io: FileIO, options: FaultyFileIOOptions) {
    this.#io = io
    this.#options = options
  }

  /** How many requests were made. */
  get calls(): number {
    return this.#calls
  }

  async read(location: string, options: ReadOptions = {}): Promise<Uint8Array> {
    const { fault, answer } = await this.#request({ operation: 'read', location }, () => this.#io.read(location, options))
    return damaged(answer, fault)
  }

  async readMany(location: string, ranges: readonly ByteRange[], options: AbortOptions = {}): Promise<Uint8Array[]> {
    const { fault, answer } = await this.#request({ operation: 'read', location }, () => this.#io.readMany(location, ranges, options))
    return answer.map((bytes, i) => (i === 0 ? damaged(bytes, fault) : bytes))
  }

  async write(location: string, body: Uint8Array | AsyncIterable<Uint8Array>, options: WriteOptions = {}): Promise<ObjectStatus> {
    const isConditional = options.ifNoneMatch !== undefined || options.ifMatch !== undefined
    const bytes = body instanceof Uint8Array ? body : await this.#gather(location, body)
    this.#options.log.add(`${this.#options.actor} sends ${location} ${contentHash(bytes)}`)
    const request = { operation: 'write', location, isConditional } as const
    return (await this.#request(request, () => this.#io.write(location, bytes, options))).answer
  }

  async head(location: string): Promise<ObjectStatus | undefined> {
    return (await this.#request({ operation: 'head', location }, () => this.#io.head(location))).answer
  }

  async *list(prefix: string, options: AbortOptions = {}): AsyncGenerator<ObjectStatus> {
    const { fault } = await this.#request({ operation: 'list', location: prefix }, () => Promise.resolve())
    const { listAsOf } = this.#options
    if (fault?.kind === 'stale-list' && listAsOf !== undefined) yield* listAsOf(prefix, fault.amount)
    else yield* this.#io.list(prefix, options)
  }

  async *listFolder(folder: string, options: AbortOptions = {}): AsyncGenerator<FolderEntry> {
    const start = folder.length + 1
    const folders = new Set<string>()
    for await (const status of this.list(folder, options)) {
      const slash = status.location.indexOf('/', start)
      if (slash === -1) yield { location: status.location, status }
      else if (!folders.has(status.location.slice(0, slash))) {
        folders.add(status.location.slice(0, slash))
        yield { location: status.location.slice(0, slash), status: undefined }
      }
    }
  }

  async delete(locations: readonly string[]): Promise<void> {
    if (locations.length === 0) return
    await this.#request({ operation: 'delete', location: locations.join(' ') }, () => this.#io.delete(locations))
  }

  /** A body in parts, of which the plan may cut off the end. */
  async #gather(location: string, body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
    const parts: Uint8Array[] = []
    for await (const part of body) {
      parts.push(part.slice())
      if (parts.length > 1 && this.#options.faults.take(this.#options.actor, this.#calls + 1)?.kind === 'partial') {
        this.#calls++
        this.#options.faults.count('partial')
        throw unavailable('the upload broke off after a part', location)
      }
    }
    return Buffer.concat(parts)
  }

  async #request<T>(request: Request, effect: () => Promise<T>): Promise<{ readonly fault: Fault | undefined; readonly answer: T }> {
    const { actor, scheduler, faults, isVisible } = this.#options
    if (isVisible?.(request) === false) return { fault: undefined, answer: await effect() }
    const aimed = this.#options.isCommit?.(request) === true ? faults.take(actor, ++this.#commits, true) : undefined
    const fault = this.#due(faults.take(actor, ++this.#calls) ?? aimed, request)
    const label = `${request.operation} ${request.location}`
    if (fault !== undefined) this.#note(fault, label)
    await scheduler.turn(actor, label)
    if (this.#overloaded > 0) {
      this.#overloaded--
      this.#options.onFault?.({ actor, call: this.#calls, kind: 'overloaded', amount: this.#overloaded })
      throw unavailable('the store asks to slow down', request.location)
    }
    const answer = await this.#strike(fault, request, effect)
    if (this.#options.delaysAnswers !== false) await scheduler.turn(actor, `hears of ${label}`)
    return { fault: this.#canDamage(fault, request) ? fault : undefined, answer }
  }

  /** A listing from the past is the actor's next one: most requests are none. */
  #due(fault: Fault | undefined, { operation }: Request): Fault | undefined {
    if (operation === 'list') {
      const due = fault ?? this.#staleList
      this.#staleList = undefined
      return due
    }
    if (fault?.kind !== 'stale-list') return fault
    this.#staleList = fault
    return undefined
  }

  #note(fault: Fault, label: string): void {
    this.#options.log.add(`fault ${fault.kind} ${fault.amount} at ${fault.actor} ${label}`)
    this.#options.onFault?.(fault)
  }

  #canDamage(fault: Fault | undefined, { operation, location }: Request): boolean {
    if (fault === undefined) return false
    if (operation === 'list') return fault.kind === 'stale-list'
    return operation === 'read' && this.#options.isVerified?.(location) === true
  }

  async #strike<T>(fault: Fault | undefined, request: Request, effect: () => Promise<T>): Promise<T> {
    if (fault === undefined) return effect()
    const kind = this.#comesAbout(fault, request)
    if (kind !== undefined) this.#options.faults.count(kind)
    const { location, operation } = request
    const changes = operation === 'write' || operation === 'delete'
    switch (fault.kind) {
      case 'clock':
        this.#options.moveClock?.(fault.amount)
        return effect()
      case 'stale-list':
        return effect()
      case 'truncated':
      case 'flipped':
        if (this.#canDamage(fault, request)) return effect()
        throw unavailable('the store did not answer', location)
      case 'overloaded':
        this.#overloaded = fault.amount
        throw unavailable('the store asks to slow down', location)
      case 'conflict':
        throw request.isConditional === true ? conflict(location) : unavailable('the store did not answer', location)
      case 'crash':
      case 'crash-after':
        return this.#die(fault, effect)
      case 'refused':
      case 'partial':
        throw unavailable('the store did not answer', location)
      default:
        if (fault.kind === 'cut-off') this.#overloaded = fault.amount
        if (changes) return this.#confuse(fault, request, effect)
        throw unavailable('the store did not answer', location)
    }
  }

  /** What a fault amounts to, as {@link #strike} has it, for a request of this kind. */
  #comesAbout(fault: Fault, request: Request): FaultKind | undefined {
    const { operation, isConditional } = request
    const changes = operation === 'write' || operation === 'delete'
    switch (fault.kind) {
      case 'stale-list':
        return operation === 'list' && this.#options.listAsOf !== undefined ? 'stale-list' : undefined
      case 'truncated':
      case 'flipped':
        return this.#canDamage(fault, request) ? fault.kind : 'refused'
      case 'conflict':
        return isConditional === true ? 'conflict' : 'refused'
      case 'partial':
        return operation === 'write' ? 'partial' : 'refused'
      case 'lost':
      case 'late':
      case 'echoed':
      case 'repeated':
        return changes ? fault.kind : 'refused'
      default:
        return fault.kind
    }
  }

  /** A write or delete that had its effect, or will, while something else is said of it. */
  async #confuse<T>(fault: Fault, { location, isConditional }: Request, effect: () => Promise<T>): Promise<T> {
    const later = (): void => {
      const { scheduler, actor } = this.#options
      scheduler.deliver(actor, fault.call, `delivers ${location}`, () => void effect().catch(() => undefined))
    }
    switch (fault.kind) {
      case 'lost':
        await effect().catch(() => undefined)
        throw fault.amount % 2 === 0 ? unavailable('the answer was lost', location) : unknown(location)
      case 'cut-off':
        if (fault.amount % 2 === 0) await effect().catch(() => undefined)
        else later()
        throw unavailable('the store did not answer', location)
      case 'late':
        later()
        throw fault.amount % 2 === 0 ? unavailable('the store did not answer', location) : unknown(location)
      case 'repeated': {
        const answer = await effect()
        later()
        return answer
      }
      default:
        await effect()
        if (isConditional === true && fault.amount % 2 === 0) throw conflict(location)
        return effect()
    }
  }

  async #die<T>(fault: Fault, effect: () => Promise<T>): Promise<never> {
    if (fault.kind === 'crash-after') await effect().catch(() => undefined)
    this.#options.scheduler.stop(this.#options.actor)
    return new Promise<never>(() => undefined)
  }
}

function damaged(bytes: Uint8Array, fault: Fault | undefined): Uint8Array {
  if (bytes.length === 0) return bytes
  if (fault?.kind === 'truncated') return bytes.slice(0, fault.amount % bytes.length)
  if (fault?.kind !== 'flipped') return bytes
  const copy = bytes.slice()
  copy[fault.amount % bytes.length]! ^= 1 << (fault.amount % 8)
  return copy
}

function unavailable(message: string, file: string): FloeError {
  return new FloeError('UNAVAILABLE', message, { file })
}

function unknown(file: string): FloeError {
  return new FloeError('COMMIT_STATE_UNKNOWN', 'the answer was lost', { file })
}

function conflict(file: string): FloeError {
  return new FloeError('CONFLICT', 'another request for the object is under way', { file })
}
