"""A Modbus server that shares no line with the one in the tests.

The first line on stdin says what it holds, as JSON:
  {"framer": "tcp" or "rtu", "units": {"1": {"3": {"3059": 17562}}}}
It prints the port on which it listens. Each further line changes registers:
  {"unit": 1, "function": 3, "at": 3059, "words": [17562]}
and is answered by "ok". It ends with stdin.
"""
import asyncio
import json
import logging
import sys

from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext, ModbusSparseDataBlock
from pymodbus.framer.rtu_framer import ModbusRtuFramer
from pymodbus.framer.socket_framer import ModbusSocketFramer
from pymodbus.server.async_io import ModbusTcpServer

logging.disable(logging.CRITICAL)


def block(words):
    return ModbusSparseDataBlock({int(at): word for at, word in (words or {"65535": 0}).items()})


async def main():
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    said = json.loads(await lines.readline())
    units = {
        int(unit): ModbusSlaveContext(hr=block(tables.get("3")), ir=block(tables.get("4")), zero_mode=True)
        for unit, tables in said["units"].items()
    }
    framer = ModbusRtuFramer if said["framer"] == "rtu" else ModbusSocketFramer
    server = ModbusTcpServer(
        ModbusServerContext(slaves=units, single=False), framer=framer, address=("127.0.0.1", 0))
    serving = asyncio.ensure_future(server.serve_forever())
    await server.serving
    print(server.server.sockets[0].getsockname()[1], flush=True)
    while line := await lines.readline():
        change = json.loads(line)
        units[change["unit"]].setValues(change["function"], change["at"], change["words"])
        print("ok", flush=True)
    serving.cancel()


asyncio.run(main())
