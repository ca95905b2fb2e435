"""The words the tiny model knows: its answer, and the text its tokenizer and its habits come from.

The model looks only at the last token (see ``weights``), so a sentence it should say from memory may use
each token once. ``ANSWER`` keeps to that, and ``weights`` refuses one that does not.
"""

ANSWER = (
    "Hello from a tiny model, served by real vLLM on this host: its weights were made here with one fixed "
    "seed; every run therefore says the same words."
)

CORPUS = """\
A machine that serves a language model has two kinds of memory to share out. The first is the memory of the
accelerator. Into it go the weights, which never change while the server runs, the activations of the largest
batch, the captured graphs, and the cache of keys and values. What is left after the others have taken their
part belongs to the cache, and the cache decides how many long conversations can run side by side.

The second is the memory of the host. There the engine lives, and the processes that read requests and write
answers, and the pages of the files that were loaded. A limit that is too tight ends in the dark: the kernel
picks a process and stops it. A limit that is as large as the host is no limit at all. Between the two lies a
number that can be computed, written down, and checked on the live machine.

Every request brings a prompt. The prompt is cut into tokens, and each token leaves a key and a value in every
layer. Two requests that begin with the same words can share the blocks of their beginning. A request that
finds no free block waits in a queue; it is not refused, it is late. When the queue is longer than anybody
would wait for, it is kinder to say so at once.

How long does a start take? The server reads its options, opens the model, loads the weights, asks how much
memory is free, and reserves the cache. Then it says that it is healthy. A deadline that knows the size of the
model and the speed of the disk is better than a deadline that somebody guessed on a quiet afternoon.

What can change, will change. A driver is updated, a file is edited by hand, a container is stopped and nobody
remembers why. So the wish is written in one place, the fact is read from the host, and where they differ the
difference has a name. Repairing it twice does nothing the second time.

Numbers without units are rumours: bytes, tokens, seconds, requests per second. A test that cannot fail proves
nothing. A message should name the field, the value it found, and the value that would be right. Good tools
are quiet when all is well, and precise when it is not.

Please tell me a story about a small computer in a large hall. Once there was a small computer that counted.
It counted the people who came in and the people who went out, and in the evening it told the large machines
how many lamps to leave on. The large machines were proud of their speed, yet none of them knew how many lamps
a dark hall needs. What is the capital of the hall? The door, said the computer, because everybody passes it.

Write a poem, write a program, write a list of five things: one, two, three, four, five, six, seven, eight,
nine, ten. Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday. Red, green, blue, black and white.
North, south, east and west. Yes or no? Thank you very much, and good night.
"""
