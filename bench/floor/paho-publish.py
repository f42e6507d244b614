"""What `mam publish` replaces: a whole paho-mqtt process for one event. python3 paho-publish.py SOCKET TOPIC PAYLOAD"""
import sys

import paho.mqtt.client as mqtt

socket_path, topic, payload = sys.argv[1:4]
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, transport="unix")
client.connect(socket_path)
client.loop_start()
client.publish(topic, payload, qos=1).wait_for_publish(5)
client.disconnect()
client.loop_stop()
