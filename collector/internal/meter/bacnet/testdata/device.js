// A BACnet device for tests. The first line of input says its port, its objects and
// whether it knows ReadPropertyMultiple; each further line a property to change.
const { default: Client, ErrorClass, ErrorCode } = require('@bacnet-js/client');
const readline = require('node:readline');

let device, objects, multiple;

const find = (object, property) => {
  const o = objects[`${object.type}:${object.instance}`];
  if (!o) return { errorClass: ErrorClass.OBJECT, errorCode: ErrorCode.UNKNOWN_OBJECT };
  const v = o[property];
  if (!v) return { errorClass: ErrorClass.PROPERTY, errorCode: ErrorCode.UNKNOWN_PROPERTY };
  return { value: [{ type: v.type, value: v.type === 8 ? { bitsUsed: 4, value: [v.value] } : v.value }] };
};

const begin = (c) => {
  ({ objects, multiple } = c);
  device = new Client({ port: c.port, interface: '127.0.0.1' });
  device.on('error', (e) => { console.error(e); process.exit(1); });
  device.on('listening', () => console.log('listening'));
  device.on('readProperty', ({ header, service, invokeId, payload }) => {
    const got = find(payload.objectId, payload.property.id);
    if (got.value) device.readPropertyResponse(header.sender, invokeId, payload.objectId, payload.property, got.value);
    else device.errorResponse(header.sender, service, invokeId, got.errorClass, got.errorCode);
  });
  if (!multiple) return; // the library refuses by itself what nobody listens to
  device.on('readPropertyMultiple', ({ header, invokeId, payload }) => {
    device.readPropertyMultipleResponse(header.sender, invokeId, payload.properties.map(({ objectId, properties }) => ({
      objectId,
      values: properties.map((property) => {
        const got = find(objectId, property.id);
        return { property, value: got.value || [{ value: { type: 'BacnetError', ...got } }] };
      }),
    })));
  });
};

readline.createInterface({ input: process.stdin })
  .on('line', (line) => {
    const said = JSON.parse(line);
    if (!device) return begin(said);
    objects[said.object][said.property] = said.to;
    console.log('ok');
  })
  .on('close', () => process.exit(0));
