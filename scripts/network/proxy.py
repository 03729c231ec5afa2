"""Another address of a node, which can be cut off while the node stays."""

import select
import socket
import threading


class Proxy:
    """Passes on whatever comes, in both directions, while it is not cut."""

    def __init__(self, port):
        self.to = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.is_cut = self.swallows = False
        self.refused = 0
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.port}"

    def cut(self, silently):
        """From now on nothing passes. Silently: connections stay, and nothing comes; else they break, and new ones are hung up on."""
        self.swallows, self.is_cut = silently, True

    def mend(self):
        self.is_cut = False

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(near,), daemon=True).start()

    def serve(self, near):
        if self.is_cut and not self.swallows:
            self.refused += 1
            near.close()
            return
        try:
            far = socket.create_connection(("127.0.0.1", self.to), timeout=10)
        except OSError:
            near.close()
            return
        far.settimeout(None)
        lost = False
        with near, far:
            while True:
                ready, _, _ = select.select([near, far], [], [], 0.2)
                # What was swallowed is missing in the middle of a message: such a connection is of no use any more.
                if (self.is_cut and not self.swallows) or (lost and not self.is_cut):
                    return
                for source in ready:
                    try:
                        data = source.recv(1 << 16)
                        if not data:
                            return
                        if self.is_cut:
                            lost = True
                        else:
                            (far if source is near else near).sendall(data)
                    except OSError:
                        return
