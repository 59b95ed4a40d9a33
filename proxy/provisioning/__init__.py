"""Makes what *is* in the app agree with what *should be*. Read `model.py`, then `plan.py`, then `courier.py`."""
