"""What every broker adapter must do, and what each must survive."""
