def test_x():
    import time, os
    t=time.time(); import bumble.controller; print(time.time()-t)
    t=time.time(); import bleak; print(time.time()-t)
    t=time.time(); import ecgedge_bridge; print(time.time()-t, ecgedge_bridge.__file__)
    print(os.path.exists("/dev/vhci"), os.uname())
