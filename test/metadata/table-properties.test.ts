import { describe, expect, it } from 'vitest'
import { readBoolean, readInteger, readMaxRefAgeMs, readText, tableProperties } from '../../src/metadata/table-properties.js'

const of = (properties: Readonly<Record<string, string>>): ReadonlyMap<string, string> => new Map(Object.entries(properties))
const invalid = (name: string): Error => expect.objectContaining({ code: 'INVALID', message: expect.stringContaining(name) as string }) as Error

describe('table properties', () => {
  it('have the defaults of the reference', () => {
    const none = of({})
    expect(readInteger(none, tableProperties.commitRetries)).toBe(4)
    expect(readInteger(none, tableProperties.manifestTargetSizeBytes)).toBe(8_388_608)
    expect(readBoolean(none, tableProperties.manifestMergeEnabled)).toBe(true)
    expect(readText(none, tableProperties.deleteMode)).toBe('copy-on-write')
    expect(readText(none, tableProperties.dataPath)).toBeUndefined()
  })

  it('are read as their type', () => {
    expect(readInteger(of({ 'commit.retry.num-retries': '0' }), tableProperties.commitRetries)).toBe(0)
    expect(readBoolean(of({ 'gc.enabled': 'FALSE' }), tableProperties.gcEnabled)).toBe(false)
    expect(readText(of({ 'write.delete.mode': 'Merge-On-Read' }), tableProperties.deleteMode)).toBe('merge-on-read')
  })

  it.each(['', 'many', '1.5', '1e3', '0x10', '99999999999999999999', '-2', ' '])('name themselves when the integer is %j', (value) => {
    expect(() => readInteger(of({ 'commit.retry.num-retries': value }), tableProperties.commitRetries)).toThrow(invalid('commit.retry.num-retries'))
  })

  it.each(['', 'yes', '1'])('name themselves when the flag is %j', (value) => {
    expect(() => readBoolean(of({ 'gc.enabled': value }), tableProperties.gcEnabled)).toThrow(invalid('gc.enabled'))
  })

  it('name themselves when the value is not one of the list', () => {
    expect(() => readText(of({ 'write.delete.mode': 'fast' }), tableProperties.deleteMode)).toThrow(invalid('write.delete.mode'))
  })

  it('keep references for ever unless told', () => {
    expect(readMaxRefAgeMs(of({}))).toBeUndefined()
    expect(readMaxRefAgeMs(of({ 'history.expire.max-ref-age-ms': '9223372036854775807' }))).toBeUndefined()
    expect(readMaxRefAgeMs(of({ 'history.expire.max-ref-age-ms': '5' }))).toBe(5)
    expect(() => readMaxRefAgeMs(of({ 'history.expire.max-ref-age-ms': '0' }))).toThrow(invalid('max-ref-age-ms'))
  })
})
