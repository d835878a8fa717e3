import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { ListPrinter } from '../../src/metadata/printed-lists.js'

interface Item {
  readonly text: string
}

/** A printer that notes what it is asked to print. */
function recordingPrinter(): { readonly print: (items: readonly Item[]) => string; readonly printed: string[] } {
  const printed: string[] = []
  const printer = new ListPrinter<Item>(({ text }) => {
    printed.push(text)
    return text
  })
  return { print: (items) => new TextDecoder().decode(printer.bytesOf(items)), printed }
}

const items = (...texts: readonly string[]): readonly Item[] => texts.map((text) => ({ text }))

describe('a printed list', () => {
  it('prints only what a longer list adds to the one before', () => {
    const { print, printed } = recordingPrinter()
    const list = items('1', '2')
    expect(print(list)).toBe('[1,2]')
    expect(print([...list, ...items('3', '"ü€😀"')])).toBe('[1,2,3,"ü€😀"]')
    expect(print(list)).toBe('[1,2]')
    expect(printed).toEqual(['1', '2', '3', '"ü€😀"'])
  })

  it('prints nothing again when objects go from its front or its middle, or change places', () => {
    const { print, printed } = recordingPrinter()
    const [a, b, c, d] = items('"a"', '"b"', '"c"', '"d"') as [Item, Item, Item, Item]
    expect(print([a, b, c, d])).toBe('["a","b","c","d"]')
    expect(print([b, d])).toBe('["b","d"]')
    expect(print([b, c, d])).toBe('["b","c","d"]')
    expect(print([d, c, b])).toBe('["d","c","b"]')
    expect(printed).toEqual(['"a"', '"b"', '"c"', '"d"', '"c"'])
  })

  it('prints an object in the place of another that prints alike or not', () => {
    const { print } = recordingPrinter()
    const [a, b] = items('1', '2') as [Item, Item]
    expect(print([a, b])).toBe('[1,2]')
    expect(print([a, { text: '3' }])).toBe('[1,3]')
    expect(print([{ text: '4' }, b])).toBe('[4,2]')
    expect(print([a, b, a])).toBe('[1,2,1]')
  })

  it('prints an empty list, also after a full one', () => {
    const { print } = recordingPrinter()
    expect([print([]), print(items('1')), print([])]).toEqual(['[]', '[1]', '[]'])
  })

  it('grows beyond any room that it made', () => {
    const { print } = recordingPrinter()
    let list: readonly Item[] = []
    for (let i = 0; i < 40; i++) {
      list = [...list, { text: `"${'é'.repeat(i * 37)}"` }]
      expect(print(list)).toBe(`[${list.map(({ text }) => text).join(',')}]`)
    }
  })

  it('keeps nothing of a list that could not be printed to its end', () => {
    const printer = new ListPrinter<Item>(({ text }) => {
      if (text === 'bad') throw new Error('bad')
      return text
    })
    const print = (list: readonly Item[]): string => new TextDecoder().decode(printer.bytesOf(list))
    const [a, b, c, bad] = items('1', '2', '3', 'bad') as [Item, Item, Item, Item]
    expect(print([a, b])).toBe('[1,2]')
    expect(() => print([a, b, c, bad])).toThrow('bad')
    expect(print([a, b, c])).toBe('[1,2,3]')
    expect(() => print([b, bad, c])).toThrow('bad')
    expect(print([b, c])).toBe('[2,3]')
  })

  it('leaves no list behind when objects go from its front and come to its end at once', async () => {
    const { print, printed } = recordingPrinter()
    let list = items('1', '2', '3', '4')
    const first = new WeakRef(list[0]!)
    print(list)
    for (let i = 0; i < 10; i++) {
      list = [...list.slice(1), ...items(String(i))]
      print(list)
    }
    expect(printed).toHaveLength(14)
    setFlagsFromString('--expose-gc')
    await new Promise((resolve) => setImmediate(resolve))
    ;(runInNewContext('gc') as () => void)()
    expect(first.deref()).toBeUndefined()
  })

  it('is let go with its first and last object, whoever still holds one between', async () => {
    const { print } = recordingPrinter()
    const held: Item[] = []
    const watched = ((): WeakRef<Item>[] => {
      const list = items('1', '2', '3')
      print(list)
      print([...list, ...items('4')])
      held.push(list[1]!, list[2]!)
      return [new WeakRef(list[0]!)]
    })()
    print(items('5'))
    setFlagsFromString('--expose-gc')
    const collectGarbage = runInNewContext('gc') as () => void
    // A weak reference holds on to its object until the running task ends.
    await new Promise((resolve) => setImmediate(resolve))
    collectGarbage()
    expect(watched.map((reference) => reference.deref())).toEqual([undefined])
    expect(held).toHaveLength(2)
  })
})
