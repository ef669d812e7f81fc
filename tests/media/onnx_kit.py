"""Small .onnx files, written byte by byte. The form: protobuf messages ModelProto, GraphProto, NodeProto, TensorProto."""

import struct

FLOAT, INT64 = 1, 7


def varint(n):
    out = b''
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, value):
    """A number, or a text, bytes or message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def value(name, shape, kind=FLOAT):
    """An input or output; a text among the numbers of the shape is a side of any length."""
    dims = b''.join(field(1, field(1, d) if isinstance(d, int) else field(2, d)) for d in shape)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, dims)))


def attribute(name, number):
    return field(1, name) + field(3, number) + field(20, 2)


def node(op, inputs, output, **attributes):
    return b''.join(field(1, i) for i in inputs) + field(2, output) + field(4, op) + b''.join(
        field(5, attribute(k, v)) for k, v in attributes.items())


def model(nodes, inputs, outputs, more=b''):
    """more: further fields of the graph."""
    graph = b''.join(field(1, n) for n in nodes) + field(2, 'test') + b''.join(field(11, i) for i in inputs) + \
        b''.join(field(12, o) for o in outputs) + more
    return field(1, 8) + field(7, graph) + field(8, field(2, 13))


def picture(name, planes=3, height='h', width='w'):
    return value(name, [1, planes, height, width])


def enlarge(factor, planes=3, size=None, more=b''):
    """Each pixel becomes a block. size: (width, height), the only one that it takes."""
    width, height = size or ('w', 'h')
    out = (width * factor, height * factor) if size else ('v', 'k')
    mode = field(5, field(1, 'mode') + field(4, 'CRD') + field(20, 3))
    nodes = [node('Concat', ['x'] * factor * factor, 't', axis=1), node('DepthToSpace', ['t'], 'y', blocksize=factor)]
    if planes > 1:  # the copies of a plane must lie side by side
        nodes[0] = node('Concat', ['x'] * factor * factor, 't', axis=1)
        nodes[1] = nodes[1] + mode
    return model(nodes, [picture('x', planes, height, width)], [picture('y', planes, out[1], out[0])], more)


def weighted(factor):
    """Twice as large, times a number that is a weight of 16 bit, as small networks have them."""
    weight = field(2, 10) + field(8, 'w16') + field(9, struct.pack('<e', factor))
    nodes = [node('Concat', ['x'] * 4, 't', axis=1), node('DepthToSpace', ['t'], 'd', blocksize=2), node('Cast', ['w16'], 'w', to=FLOAT), node('Mul', ['d', 'w'], 'y')]
    return model(nodes, [picture('x')], [picture('y', 3, 'k', 'v')], field(5, weight))


def outside(location):
    """A tensor whose numbers lie in another file."""
    return field(1, 4) + field(2, FLOAT) + field(8, 'w') + field(13, field(1, 'location') + field(2, location)) + field(14, 1)


def of_field(which):
    """For deinterlacing: the missing rows are those of one of the three fields it is given (0: the one before), as they are."""
    weights = [1.0 if i == 3 * which + o else 0.0 for o in range(3) for i in range(9)]
    w = b''.join(field(1, d) for d in (3, 9, 1, 1)) + field(2, FLOAT) + field(8, 'w') + field(9, struct.pack('<27f', *weights))
    return model([node('Conv', ['x', 'w'], 'y')], [picture('x', 9)], [picture('y', 3)], field(5, w))
